"""The real-time loop: its schedule, its observations, its episodes."""
