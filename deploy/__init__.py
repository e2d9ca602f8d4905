"""Where Bergline runs: the embedded platform, images and manifests, and the demo."""
