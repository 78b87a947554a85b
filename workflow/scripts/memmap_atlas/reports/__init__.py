"""Reports over many maps or figures: the index, the map check, the census."""
