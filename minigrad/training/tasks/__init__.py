"""What runs learn: classes, numbers, or the characters of a text."""
