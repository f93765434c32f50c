"""What a script asks of torch.cuda before it falls back to the CPU."""


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def device_count() -> int:
    """0: minigrad computes on the CPU."""
    return 0


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all 0 devices."""
