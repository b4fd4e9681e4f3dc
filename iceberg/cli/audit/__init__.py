"""The command `audit`: draws cases into sheets for raters, and reads the filled sheets back."""
