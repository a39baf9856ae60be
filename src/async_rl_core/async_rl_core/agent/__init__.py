"""The agent: observations, episodes, steps and the cycle that paces them."""
