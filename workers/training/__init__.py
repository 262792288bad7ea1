"""Every night a better adapter, or an honest "not tonight": dataset → train → evaluate → gate → promote."""
