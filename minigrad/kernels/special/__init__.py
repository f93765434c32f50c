"""Special functions of one or two numbers, element by element, computed in double precision."""
