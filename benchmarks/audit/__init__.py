"""How an audit holds on simulated raters: whether its ranges cover, and what happens where its model is wrong."""
