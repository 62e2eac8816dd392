// SPDX-License-Identifier: Apache-2.0
internal import Wire

// MARK: Who dialled

extension ObfuscatedConnection {
    /// Step 3: says which torrent, without saying it to who does not know it, and what may be chosen.
    mutating func request() -> [UInt8] {
        guard let hash else { return [] }
        var ours = ObfuscationSpecification.initiatorCipher(secret, hash)
        var theirs = ObfuscationSpecification.responderCipher(secret, hash)
        var mark = [UInt8](repeating: 0, count: ObfuscationSpecification.verificationByteCount)
        theirs.apply(to: &mark)
        expectedMark = mark

        var hidden = [UInt8](repeating: 0, count: ObfuscationSpecification.verificationByteCount)
        hidden.append(bigEndian: methods.rawValue)
        hidden.append(bigEndian: UInt16(trailingPadding))
        hidden += [UInt8](repeating: 0, count: trailingPadding)
        hidden.append(bigEndian: UInt16(initialPayload.count))
        hidden += initialPayload
        ours.apply(to: &hidden)
        sending = consume ours
        receiving = consume theirs
        let name = ObfuscationSpecification.name(of: hash) ^ ObfuscationSpecification.cover(secret)
        return ObfuscationSpecification.requestMark(secret).bytes + name.bytes + hidden
    }

    /// Step 4, behind the verification constant. One method, of those that we offered.
    mutating func readChoice() throws(ObfuscationError) -> Bool {
        guard let bytes = takeDecrypted(6) else { return false }
        var reader = ByteReader(bytes[...])
        guard let raw = reader.read(UInt32.self), let count = reader.read(UInt16.self) else { return false }
        let chosen = ObfuscationMethods(rawValue: raw).intersection([.plain, .rc4])
        guard chosen == .plain || chosen == .rc4, methods.contains(chosen) else {
            throw .noCommonMethod(ObfuscationMethods(rawValue: raw))
        }
        guard count <= ObfuscationSpecification.maximumPadding else { throw .paddingTooLong(Int(count)) }
        offered = chosen
        state = .choicePadding(Int(count))
        return true
    }

    mutating func skipPadding(_ count: Int) -> Bool {
        guard takeDecrypted(count) != nil else { return false }
        establish(offered, encryptedInput: 0)
        return true
    }
}

// MARK: Who was dialled

extension ObfuscatedConnection {
    mutating func readName(_ hashes: (Digest160) -> Digest160?) throws(ObfuscationError) -> Bool {
        guard let bytes = take(Digest160.byteCount), let covered = Digest160(bytes) else { return false }
        guard let known = hashes(covered ^ ObfuscationSpecification.cover(secret)) else { throw .unknownHash }
        hash = known
        receiving = ObfuscationSpecification.initiatorCipher(secret, known)
        sending = ObfuscationSpecification.responderCipher(secret, known)
        state = .offer
        return true
    }

    mutating func readOffer() throws(ObfuscationError) -> Bool {
        let length = ObfuscationSpecification.verificationByteCount
        guard let bytes = takeDecrypted(length + 6) else { return false }
        guard bytes.prefix(length).allSatisfy({ $0 == 0 }) else { throw .verificationFailed }
        var reader = ByteReader(bytes[length...])
        guard let raw = reader.read(UInt32.self), let count = reader.read(UInt16.self) else { return false }
        offered = ObfuscationMethods(rawValue: raw)
        guard count <= ObfuscationSpecification.maximumPadding else { throw .paddingTooLong(Int(count)) }
        state = .offerPadding(Int(count))
        return true
    }

    /// PadC and the length of the initial payload, which is handed on as it comes: nothing of ours waits for its end.
    mutating func answer(_ paddingCount: Int, _ output: inout Output) throws(ObfuscationError) -> Bool {
        guard let bytes = takeDecrypted(paddingCount + 2) else { return false }
        guard let chosen = methods.choice(of: offered) else { throw .noCommonMethod(offered) }
        var hidden = [UInt8](repeating: 0, count: ObfuscationSpecification.verificationByteCount)
        hidden.append(bigEndian: chosen.rawValue)
        hidden.append(bigEndian: UInt16(trailingPadding))
        hidden += [UInt8](repeating: 0, count: trailingPadding)
        sending?.apply(to: &hidden)
        output.send += hidden
        establish(chosen, encryptedInput: Int(bytes[paddingCount]) << 8 | Int(bytes[paddingCount + 1]))
        return true
    }
}
