"""What leaves the model for a reader: tidy tables, sentences, charts and files. It sees estimates and counts, never a customer."""
