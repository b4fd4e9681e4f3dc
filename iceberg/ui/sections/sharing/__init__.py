"""What a reader takes along: the reports, the sentence and the link, beside the title."""
