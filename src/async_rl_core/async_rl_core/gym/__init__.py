"""Gymnasium environments: importing this registers them."""

from async_rl_core.gym.registration import register

register()
