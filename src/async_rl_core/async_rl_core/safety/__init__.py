"""What stands between the policy and the arm: kinematics, limits, the guard, and the agent's own soft limits."""
