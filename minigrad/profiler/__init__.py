"""torch.profiler: where a program's time goes, by operation, forward and backward.

>>> from minigrad.profiler import ProfilerActivity, profile, record_function
>>> with profile(activities=[ProfilerActivity.CPU]) as measured:
...     with record_function("product"):
...         y = minigrad.ones(2, 2) @ minigrad.ones(2, 2)
>>> [event.key for event in measured.key_averages()]
['product', 'aten::mm']
"""

from minigrad.autograd.profiler import record_function
from minigrad.core.public_names import show_public_names
from minigrad.profiler.profile import profile
from minigrad.profiler.schedule import ProfilerAction, schedule
from minigrad.profiler.trace_files import (
    DeviceType,
    ProfilerActivity,
    kineto_available,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "DeviceType", "ProfilerAction", "ProfilerActivity", "kineto_available", "profile",
    "record_function", "schedule", "supported_activities", "tensorboard_trace_handler",
]  # fmt: skip

show_public_names(__name__)
