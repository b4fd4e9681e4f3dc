"""The tidy frames: one function per chart (its table twin), raw values in, and `display_table` that writes them in a language.

Columns of an interval share a stem: ``<stem>_lower``, ``<stem>_median``, ``<stem>_upper`` (90 %). NaN means "cannot be known from these files".
"""
