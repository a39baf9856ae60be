"""The simulated robot, its camera and the scene before it; no ROS in here."""
