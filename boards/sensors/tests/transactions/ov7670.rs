//! OV7670: what its datasheet wants to see on the bus.

use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, Sensor, Window};
use ocelli_sensors::{Ov7670, SensorError};

use super::{Chip, QVGA_YUYV, check, check_refusal};

const CHIP: Chip = Chip { address: 0x21, has_wide_registers: false };

/// The array from column 158 to 14 (modulo 784) and row 10 to 490.
const WHOLE_WINDOW: [(u16, u8); 5] = [(0x17, 0x13), (0x18, 0x01), (0x32, 0xB6), (0x19, 0x02), (0x1A, 0x7A)];
const HALVED: [(u16, u8); 5] = [(0x0C, 0x04), (0x3E, 0x19), (0x72, 0x11), (0x73, 0xF1), (0xA2, 0x02)];

pub fn check_all() {
    check("probe", &[CHIP.read(0x0A, 0x76), CHIP.read(0x0B, 0x73)].concat(), 0x7673, |bus, delay| {
        Ov7670::new(bus, delay).probe()
    });
    let other = SensorError::NotDetected { expected_id: 0x7673, found_id: 0x7721 };
    check_refusal("probe", &[CHIP.read(0x0A, 0x77), CHIP.read(0x0B, 0x21)].concat(), other, |bus, delay| {
        Ov7670::new(bus, delay).probe()
    });
    let configuration = [
        CHIP.write(0x12, 0x80),
        CHIP.writes(&[(0x11, 0x01), (0x12, 0x00), (0x15, 0x20), (0x3A, 0x04), (0x3D, 0xC0), (0x40, 0xC0)]),
        CHIP.writes(&HALVED),
        CHIP.writes(&WHOLE_WINDOW),
        // Start row 10 and stop row 490 both end in the bits 10.
        CHIP.modify(0x03, 0xC0, 0xCA),
    ];
    check("configure", &configuration.concat(), (), |bus, delay| {
        Ov7670::new(bus, delay).configure(QVGA_YUYV)
    });
    for (halvings, scaler) in [
        (0, [(0x0C, 0x00), (0x3E, 0x00), (0x72, 0x00), (0x73, 0xF0), (0xA2, 0x02)]),
        (2, [(0x0C, 0x04), (0x3E, 0x1A), (0x72, 0x22), (0x73, 0xF2), (0xA2, 0x02)]),
    ] {
        let format = FrameFormat { width: 640 >> halvings, height: 480 >> halvings, ..QVGA_YUYV };
        let configuration = [&configuration[..2], &[CHIP.writes(&scaler)], &configuration[3..]].concat();
        check("other size", &configuration.concat(), (), |bus, delay| {
            Ov7670::new(bus, delay).configure(format)
        });
    }
    for refused in [FrameFormat::QVGA_GRAY, FrameFormat { width: 80, height: 60, ..QVGA_YUYV }] {
        check_refusal("configure", &[], SensorError::Format(refused), |bus, delay| {
            Ov7670::new(bus, delay).configure(refused)
        });
    }
    windows();
    settings();
}

fn windows() {
    // Column 258 to 578, row 31 to 271, unscaled.
    let window = Window { x: 100, y: 21, width: 320, height: 240 };
    let script = [
        CHIP.writes(&[(0x0C, 0x00), (0x3E, 0x00), (0x72, 0x00), (0x73, 0xF0), (0xA2, 0x02)]),
        CHIP.writes(&[(0x17, 0x20), (0x18, 0x48), (0x32, 0x92), (0x19, 0x07), (0x1A, 0x43)]),
        CHIP.modify(0x03, 0x00, 0x0F),
    ];
    check("window", &script.concat(), (), |bus, delay| Ov7670::new(bus, delay).set_window(window));
    for window in [
        Window { x: 321, y: 0, width: 320, height: 240 },
        Window { x: 0, y: 241, width: 320, height: 240 },
        Window { x: 0, y: 0, width: 319, height: 240 },
    ] {
        check_refusal("window", &[], SensorError::Window(window), |bus, delay| {
            Ov7670::new(bus, delay).set_window(window)
        });
    }
}

fn settings() {
    check("exposure", &CHIP.modify(0x13, 0x8E, 0x8F), (), |bus, delay| {
        Ov7670::new(bus, delay).set_exposure(Exposure::Auto)
    });
    // 0x1235 is 4 in the highest bits, 0x8D in the middle, 1 in the lowest two.
    let script = [
        CHIP.modify(0x13, 0x8F, 0x8E),
        CHIP.modify(0x07, 0xC0, 0xC4),
        CHIP.write(0x10, 0x8D),
        CHIP.modify(0x04, 0x02, 0x01),
    ];
    check("exposure", &script.concat(), (), |bus, delay| {
        Ov7670::new(bus, delay).set_exposure(Exposure::Rows(0x1235))
    });
    check("gain", &CHIP.modify(0x13, 0x8B, 0x8F), (), |bus, delay| {
        Ov7670::new(bus, delay).set_gain(Gain::Auto)
    });
    // 63 is 31.5 doubled once; 1984 is 31 doubled six times.
    for (sixteenths, low, vref) in [(63, 0x1F, 0x0A), (1984, 0xFF, 0xCA)] {
        let script = [CHIP.modify(0x13, 0x8F, 0x8B), CHIP.write(0x00, low), CHIP.modify(0x03, 0x4A, vref)];
        check("gain", &script.concat(), (), |bus, delay| {
            Ov7670::new(bus, delay).set_gain(Gain::Sixteenths(sixteenths))
        });
    }
    for (horizontal, vertical, bits) in [(true, false, 0x21), (false, true, 0x11), (false, false, 0x01)] {
        check("mirror", &CHIP.modify(0x1E, 0x31, bits), (), |bus, delay| {
            Ov7670::new(bus, delay).set_mirror(Mirror { horizontal, vertical })
        });
    }
    for (on, bits) in [(true, 0xBA), (false, 0x3A)] {
        let script = [CHIP.modify(0x70, 0x3A, bits), CHIP.modify(0x71, 0xB5, 0x35)];
        check("test pattern", &script.concat(), (), |bus, delay| {
            Ov7670::new(bus, delay).set_test_pattern(on)
        });
    }
    for (on, before, after) in [(true, 0x01, 0x11), (false, 0x11, 0x01)] {
        check("standby", &CHIP.modify(0x09, before, after), (), |bus, delay| {
            Ov7670::new(bus, delay).set_standby(on)
        });
    }
}
