"""The reasons that customers gave for leaving: counts of a survey of leavers, and of the reasons that a company asks for when an account closes."""
