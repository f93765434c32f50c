"""Random numbers, drawn many at a time from the streams of NumPy's generators."""
