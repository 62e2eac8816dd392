// SPDX-License-Identifier: Apache-2.0

/// Why a path cannot be used at all, even with its names changed.
public enum PathError: Error, Equatable {
    /// It has no component.
    case empty
    case tooDeep(limit: Int)
    /// Longer, in bytes, than the limit.
    case tooLong(limit: Int)
}
