"""Charts of scores: what those who left had given and who leaves by the last one."""
