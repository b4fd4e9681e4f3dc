"""How often breaks of rhythm are called rightly, dated rightly and said rightly to last, in simulated logs of twelve families."""
