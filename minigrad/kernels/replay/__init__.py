"""Lists of tasks that one call runs: compiled kernels and NumPy's loops, with their arguments.

`task_list.py` keeps tasks as C functions and their arguments, and runs them.  A compiled kernel
becomes such a function by `entry_points.py`, a ufunc of NumPy by `ufunc_loops.py`.  `chains.py`
runs several tasks for one block of their arrays after the other.  `rows.py` has the kernels that
stand in for NumPy's functions of rows, with the same bits.
"""
