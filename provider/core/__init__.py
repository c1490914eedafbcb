"""What every use case is made of: the commit loop, fault points, values per process, a pool of daemon threads."""
