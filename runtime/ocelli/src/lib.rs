//! Embedded edge vision: from camera pixels to boxes, with identical bits everywhere.
