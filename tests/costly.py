"""Settings of Hypothesis for tests whose examples cost a good part of a second each."""

from hypothesis import settings

# Half as many examples as the profile has, which is chosen before this is imported.
HALF = settings(max_examples=max(1, (settings.default or settings()).max_examples // 2))
