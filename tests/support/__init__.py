"""What tests share: references, drawn arguments, data and comparisons."""
