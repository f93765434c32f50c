"""Elementary functions of float32 in double precision, by vectors: angles, powers, remainders."""
