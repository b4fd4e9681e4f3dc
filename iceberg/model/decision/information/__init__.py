"""What a study would tell before it is made: how much surer it makes each figure, what that is worth, and which one to make."""
