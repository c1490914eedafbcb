"""What every use case is made of: the commit loop, fault points, renewal after a fork, a pool of daemon threads."""
