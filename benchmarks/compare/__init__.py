"""Comparisons of periods and studies, judged on companies where one category was fixed half-way."""
