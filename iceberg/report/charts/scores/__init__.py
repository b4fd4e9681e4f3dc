"""Charts of scores: what those who left had given, who leaves by the last one, and how raters scored the answers to complaints."""
