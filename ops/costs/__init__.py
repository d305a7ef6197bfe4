"""What a rollout costs, to come or that was: counts of what AWS charges for, times list prices."""
