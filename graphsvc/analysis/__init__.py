"""Answer questions about published clusters: counterfactuals, impact of actions, differences of runs, paths."""
