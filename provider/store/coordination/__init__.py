"""What workers tell each other through the database: heartbeats, leases, queues, sweeps."""
