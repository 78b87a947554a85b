"""Explorer: one offline page with every point of a sweep."""
