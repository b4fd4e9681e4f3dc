"""Silent churn by step of the journey, from the draws of the categories; and complainants by channel."""
