"""Every chart: `build_*` takes a tidy frame, a translator and a theme, and returns a chart of Altair. The only package that loads Altair.

Show them with ``theme=None``: fonts, colours and number formats are set here, for both themes and both languages.
"""
