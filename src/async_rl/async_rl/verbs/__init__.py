"""The verbs of `async_rl`, one module each: see `async_rl.verb.Verb`."""
