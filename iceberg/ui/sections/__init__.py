"""Parts of pages that several pages or long pages are put together from."""
