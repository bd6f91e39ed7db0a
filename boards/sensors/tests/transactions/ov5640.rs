//! OV5640: registers of two bytes.

use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, Sensor, Window};
use ocelli_sensors::{Ov5640, SensorError};

use super::{Chip, QVGA_RGB, QVGA_YUYV, check, check_refusal};

const CHIP: Chip = Chip { address: 0x3C, has_wide_registers: true };

/// Eight registers from `0x3800`: left, top, right, bottom.
fn window(bytes: [u8; 8]) -> Vec<super::Transaction> {
    (0x3800..).zip(bytes).flat_map(|(register, byte)| CHIP.write(register, byte)).collect()
}

pub fn check_all() {
    let script = |id: [u8; 2]| [CHIP.read(0x300A, id[0]), CHIP.read(0x300B, id[1])].concat();
    check("probe", &script([0x56, 0x40]), 0x5640, |bus, delay| Ov5640::new(bus, delay).probe());
    let other = SensorError::NotDetected { expected_id: 0x5640, found_id: 0x2642 };
    check_refusal("probe", &script([0x26, 0x42]), other, |bus, delay| Ov5640::new(bus, delay).probe());
    for (format, order, mux) in [(QVGA_YUYV, 0x30, 0), (QVGA_RGB, 0x61, 1)] {
        let script = [
            CHIP.write(0x3008, 0x82),
            CHIP.writes(&[(0x3103, 0x03), (0x3017, 0xFF), (0x3018, 0xFF)]),
            CHIP.writes(&[(0x3034, 0x18), (0x3035, 0x41), (0x3036, 0x38), (0x3037, 0x13), (0x3108, 0x01)]),
            CHIP.writes(&[(0x3814, 0x31), (0x3815, 0x31)]),
            CHIP.writes(&[(0x380C, 0x07), (0x380D, 0x68), (0x380E, 0x03), (0x380F, 0xD8)]),
            CHIP.writes(&[(0x3820, 0x01), (0x3821, 0x01), (0x4740, 0x20), (0x5001, 0xA3)]),
            CHIP.writes(&[(0x4300, order), (0x501F, mux)]),
            // 320 x 240, ISP offset 16 and 4.
            CHIP.writes(&[(0x3808, 0x01), (0x3809, 0x40), (0x380A, 0x00), (0x380B, 0xF0)]),
            CHIP.writes(&[(0x3810, 0x00), (0x3811, 0x10), (0x3812, 0x00), (0x3813, 0x04)]),
            // To column 2623 and row 1951.
            window([0, 0, 0, 0, 0x0A, 0x3F, 0x07, 0x9F]),
            CHIP.write(0x3008, 0x02),
        ];
        check("configure", &script.concat(), (), |bus, delay| Ov5640::new(bus, delay).configure(format));
    }
    for refused in [
        FrameFormat::QVGA_GRAY,
        FrameFormat { width: 1281, height: 960, ..QVGA_YUYV },
        FrameFormat { width: 1280, height: 969, ..QVGA_YUYV },
        FrameFormat { width: 0, height: 240, ..QVGA_YUYV },
    ] {
        check_refusal("configure", &[], SensorError::Format(refused), |bus, delay| {
            Ov5640::new(bus, delay).configure(refused)
        });
    }
    // From 0x0258, 0x0190 to 0x0517, 0x037F.
    check("window", &window([0x02, 0x58, 0x01, 0x90, 0x05, 0x17, 0x03, 0x7F]), (), |bus, delay| {
        Ov5640::new(bus, delay).set_window(Window { x: 600, y: 400, width: 704, height: 496 })
    });
    for window in [
        Window { x: 1921, y: 0, width: 704, height: 496 },
        Window { x: 0, y: 1457, width: 704, height: 496 },
        Window { x: 0, y: 0, width: 700, height: 496 },
        Window { x: u16::MAX, y: 0, width: u16::MAX, height: 496 },
    ] {
        check_refusal("window", &[], SensorError::Window(window), |bus, delay| {
            Ov5640::new(bus, delay).set_window(window)
        });
    }
    settings();
}

fn settings() {
    check("exposure", &CHIP.modify(0x3503, 0x03, 0x02), (), |bus, delay| {
        Ov5640::new(bus, delay).set_exposure(Exposure::Auto)
    });
    // 0x1235 rows are 0x12350 sixteenths.
    let script =
        [CHIP.modify(0x3503, 0x00, 0x01), CHIP.writes(&[(0x3500, 0x01), (0x3501, 0x23), (0x3502, 0x50)])];
    check("exposure", &script.concat(), (), |bus, delay| {
        Ov5640::new(bus, delay).set_exposure(Exposure::Rows(0x1235))
    });
    check("gain", &CHIP.modify(0x3503, 0x03, 0x01), (), |bus, delay| {
        Ov5640::new(bus, delay).set_gain(Gain::Auto)
    });
    for (sixteenths, high, low) in [(0x0123, 0x01, 0x23), (5000, 0x03, 0xFF), (1, 0x00, 0x10)] {
        let script = [CHIP.modify(0x3503, 0x00, 0x02), CHIP.writes(&[(0x350A, high), (0x350B, low)])];
        check("gain", &script.concat(), (), |bus, delay| {
            Ov5640::new(bus, delay).set_gain(Gain::Sixteenths(sixteenths))
        });
    }
    let script = [CHIP.modify(0x3820, 0x41, 0x47), CHIP.modify(0x3821, 0x07, 0x01)];
    check("mirror", &script.concat(), (), |bus, delay| {
        Ov5640::new(bus, delay).set_mirror(Mirror { horizontal: false, vertical: true })
    });
    for (on, pattern, system) in [(true, 0x80, 0x42), (false, 0x00, 0x02)] {
        check("test pattern", &CHIP.write(0x503D, pattern), (), |bus, delay| {
            Ov5640::new(bus, delay).set_test_pattern(on)
        });
        check("standby", &CHIP.write(0x3008, system), (), |bus, delay| {
            Ov5640::new(bus, delay).set_standby(on)
        });
    }
}
