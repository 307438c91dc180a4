//! PNG of black and white: what a QR code needs, and nothing else.

/// Most bytes of one piece that is not compressed.
const PIECE: usize = 65_535;

/// A picture of `side` by `side` squares of `scale` pixels; `is_dark` tells of column and row.
pub fn squares(side: u32, scale: u32, is_dark: impl Fn(u32, u32) -> bool) -> Vec<u8> {
    let pixels = side * scale;
    let mut rows = Vec::new();
    for y in 0..side {
        // Before each row stands how it is filtered: not at all.
        let mut row = vec![0];
        let mut byte = 0u8;
        for pixel in 0..pixels {
            byte = (byte << 1) | u8::from(!is_dark(pixel / scale, y));
            if pixel % 8 == 7 {
                row.push(byte);
                byte = 0;
            }
        }
        if !pixels.is_multiple_of(8) {
            row.push(byte << (8 - pixels % 8));
        }
        for _ in 0..scale {
            rows.extend_from_slice(&row);
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = [pixels.to_be_bytes(), pixels.to_be_bytes()].concat();
    // One bit a pixel, grey.
    head.extend([1, 0, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &head);
    chunk(&mut png, *b"IDAT", &stored(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    png.extend(kind);
    png.extend_from_slice(data);
    png.extend(crc(&[&kind, data]).to_be_bytes());
}

/// Bytes in the form of zlib, not compressed.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![0x78, 0x01];
    let mut pieces = bytes.chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        let length = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        all.push(u8::from(pieces.peek().is_none()));
        all.extend(length.to_le_bytes());
        all.extend((!length).to_le_bytes());
        all.extend_from_slice(piece);
    }
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    all.extend((high << 16 | low).to_be_bytes());
    all
}

fn crc(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().copied().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_as_they_are_published() {
        assert_eq!(crc(&[b"1234", b"56789"]), 0xCBF4_3926);
        assert_eq!(crc(&[b"IEND"]), 0xAE42_6082);
        let zlib = stored(b"Wikipedia");
        assert_eq!(zlib.last_chunk::<4>().unwrap(), &0x11E6_0398u32.to_be_bytes());
        assert_eq!(zlib.get(..7).unwrap(), [0x78, 1, 1, 9, 0, 0xF6, 0xFF]);
    }

    #[test]
    fn a_picture() {
        // A dark square in the corner of four, three pixels each.
        let png = squares(2, 3, |x, y| (x, y) == (0, 0));
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x06\0\0\0\x06\x01\0\0\0\0"));
        assert!(png.ends_with(b"\0\0\0\0IEND\xAE\x42\x60\x82"));
        let data = png
            .windows(12)
            .any(|rows| rows == [0, 0b0001_1100, 0, 0b0001_1100, 0, 0b0001_1100, 0, 0xFC, 0, 0xFC, 0, 0xFC]);
        assert!(data, "{png:?}");
        let large = squares(300, 8, |x, y| (x + y) % 2 == 0);
        let rows = 2400 * 301;
        assert_eq!(large.len(), 8 + 25 + 12 + 12 + 2 + 4 + 5 * usize::div_ceil(rows, PIECE) + rows);
    }
}
