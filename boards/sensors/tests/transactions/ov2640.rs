//! OV2640: two banks of registers.

use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, PixelFormat, Sensor, Window};
use ocelli_sensors::{Ov2640, SensorError};

use super::{Chip, QVGA_RGB, QVGA_YUYV, check, check_refusal};

const CHIP: Chip = Chip { address: 0x30, has_wide_registers: false };
const DSP: (u16, u8) = (0xFF, 0x00);
const SENSOR: (u16, u8) = (0xFF, 0x01);

pub fn check_all() {
    let script =
        |id: [u8; 2]| [CHIP.writes(&[SENSOR]), CHIP.read(0x0A, id[0]), CHIP.read(0x0B, id[1])].concat();
    // Both revisions that are sold.
    for low in [0x41, 0x42] {
        check("probe", &script([0x26, low]), 0x2642, |bus, delay| Ov2640::new(bus, delay).probe());
    }
    let other = SensorError::NotDetected { expected_id: 0x2642, found_id: 0x3660 };
    check_refusal("probe", &script([0x36, 0x60]), other, |bus, delay| Ov2640::new(bus, delay).probe());
    for (format, image_mode) in [(QVGA_YUYV, 0x00), (QVGA_RGB, 0x09), (FrameFormat::QVGA_GRAY, 0x40)] {
        let script = [
            CHIP.writes(&[SENSOR, (0x12, 0x80), (0x11, 0x01), (0x12, 0x40)]),
            CHIP.writes(&[
                DSP,
                (0xE0, 0x04),
                (0xC0, 100),
                (0xC1, 75),
                (0x8C, 0x00),
                (0x86, 0x3D),
                (0xD3, 0x04),
            ]),
            CHIP.writes(&[(0xDA, image_mode), (0x05, 0x00)]),
            window(200, 150, [0, 0, 0]),
        ];
        check("configure", &script.concat(), (), |bus, delay| Ov2640::new(bus, delay).configure(format));
    }
    for (width, height, pixels) in [
        (804, 480, PixelFormat::Yuyv),
        (640, 604, PixelFormat::Yuyv),
        (322, 240, PixelFormat::Yuyv),
        (0, 240, PixelFormat::Yuyv),
        (320, 240, PixelFormat::Rgb888),
    ] {
        let refused = FrameFormat { width, height, pixels };
        check_refusal("configure", &[], SensorError::Format(refused), |bus, delay| {
            Ov2640::new(bus, delay).configure(refused)
        });
    }
    let script = CHIP.writes(&[DSP, (0xE0, 0x14), (0x44, 0x0C), (0xDA, 0x10), (0xE0, 0x00)]);
    check("jpeg", &script, (), |bus, delay| Ov2640::new(bus, delay).set_jpeg(12));
    windows();
    settings();
}

/// A window in fours, its place as low byte of x, low byte of y, high bits of both.
fn window(width: u8, height: u8, [x, y, high]: [u8; 3]) -> Vec<super::Transaction> {
    CHIP.writes(&[
        DSP,
        (0xE0, 0x04),
        (0x50, 0x00),
        (0x51, width),
        (0x52, height),
        (0x53, x),
        (0x54, y),
        (0x55, high),
        (0x5A, 80),
        (0x5B, 60),
        (0x5C, 0x00),
        (0xE0, 0x00),
    ])
}

fn windows() {
    // A frame as large as the array has no other window.
    let svga = FrameFormat { width: 800, height: 600, pixels: PixelFormat::Yuyv };
    let configuration = [
        CHIP.writes(&[SENSOR, (0x12, 0x80), (0x11, 0x01), (0x12, 0x40)]),
        CHIP.writes(&[DSP, (0xE0, 0x04), (0xC0, 100), (0xC1, 75), (0x8C, 0x00), (0x86, 0x3D), (0xD3, 0x04)]),
        CHIP.writes(&[(0xDA, 0x00), (0x05, 0x00), DSP, (0xE0, 0x04), (0x50, 0x00), (0x51, 200), (0x52, 150)]),
        CHIP.writes(&[(0x53, 0), (0x54, 0), (0x55, 0), (0x5A, 200), (0x5B, 150), (0x5C, 0), (0xE0, 0x00)]),
    ];
    let part = Window { x: 0, y: 0, width: 796, height: 600 };
    check_refusal("window", &configuration.concat(), SensorError::Window(part), |bus, delay| {
        let mut sensor = Ov2640::new(bus, delay);
        sensor.configure(svga)?;
        sensor.set_window(part)
    });
    // x 300 is 0x12C, y 260 is 0x104.
    check("window", &window(80, 60, [0x2C, 0x04, 0x11]), (), |bus, delay| {
        Ov2640::new(bus, delay).set_window(Window { x: 300, y: 260, width: 320, height: 240 })
    });
    for window in [
        Window { x: 481, y: 0, width: 320, height: 240 },
        Window { x: 0, y: 361, width: 320, height: 240 },
        Window { x: 0, y: 0, width: 316, height: 240 },
        Window { x: 0, y: 0, width: 322, height: 240 },
    ] {
        check_refusal("window", &[], SensorError::Window(window), |bus, delay| {
            Ov2640::new(bus, delay).set_window(window)
        });
    }
}

fn settings() {
    let modify =
        |register, before, after| [CHIP.writes(&[SENSOR]), CHIP.modify(register, before, after)].concat();
    check("exposure", &modify(0x13, 0xE4, 0xE5), (), |bus, delay| {
        Ov2640::new(bus, delay).set_exposure(Exposure::Auto)
    });
    let script = [
        modify(0x13, 0xE5, 0xE4),
        CHIP.modify(0x45, 0x00, 0x04),
        CHIP.write(0x10, 0x8D),
        CHIP.modify(0x04, 0x2A, 0x29),
    ];
    check("exposure", &script.concat(), (), |bus, delay| {
        Ov2640::new(bus, delay).set_exposure(Exposure::Rows(0x1235))
    });
    check("gain", &modify(0x13, 0xE1, 0xE5), (), |bus, delay| Ov2640::new(bus, delay).set_gain(Gain::Auto));
    let script = [modify(0x13, 0xE5, 0xE1), CHIP.write(0x00, 0x3F)];
    check("gain", &script.concat(), (), |bus, delay| Ov2640::new(bus, delay).set_gain(Gain::Sixteenths(127)));
    let both = Mirror { horizontal: true, vertical: true };
    check("mirror", &modify(0x04, 0x28, 0xE8), (), |bus, delay| Ov2640::new(bus, delay).set_mirror(both));
    for (on, before, after) in [(true, 0x40, 0x42), (false, 0x42, 0x40)] {
        check("test pattern", &modify(0x12, before, after), (), |bus, delay| {
            Ov2640::new(bus, delay).set_test_pattern(on)
        });
    }
    for (on, before, after) in [(true, 0x02, 0x12), (false, 0x12, 0x02)] {
        check("standby", &modify(0x09, before, after), (), |bus, delay| {
            Ov2640::new(bus, delay).set_standby(on)
        });
    }
}
