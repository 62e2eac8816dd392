// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Simulator

/// What the simulator does not do as it was asked is a mistake in the command: exit status 64, and what there is to choose from.
func refusing<Value>(_ body: () throws(OptionRefusal) -> Value) throws(ValidationError) -> Value {
    do { return try body() } catch { throw ValidationError(error.description) }
}
