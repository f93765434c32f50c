"""How often a comparison of two versions is wrong: false alarms, and slow-downs that are missed."""
