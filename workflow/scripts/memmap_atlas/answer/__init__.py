"""What one machine's memory map costs, checked against what its own log says, with advice."""
