"""What the acceptance tests share: engines that can be hurt, observed backends, an auditor, other processes."""
