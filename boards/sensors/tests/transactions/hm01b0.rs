//! HM01B0: settings take effect in groups.

use ocelli_core::{Exposure, FrameFormat, Gain, Mirror, Sensor, Window};
use ocelli_sensors::{Hm01b0, SensorError};

use super::{Chip, QVGA_YUYV, check, check_refusal};

const CHIP: Chip = Chip { address: 0x24, has_wide_registers: true };

/// Everything before takes effect.
const HOLD: (u16, u8) = (0x0104, 0x01);

pub fn check_all() {
    let script = |id: [u8; 2]| [CHIP.read(0x0000, id[0]), CHIP.read(0x0001, id[1])].concat();
    check("probe", &script([0x01, 0xB0]), 0x01B0, |bus, delay| Hm01b0::new(bus, delay).probe());
    let other = SensorError::NotDetected { expected_id: 0x01B0, found_id: 0x0360 };
    check_refusal("probe", &script([0x03, 0x60]), other, |bus, delay| Hm01b0::new(bus, delay).probe());
    // Size, what is read, what is summed, rows of a frame, rows beyond.
    for (width, height, readout, binning, lines, surplus_rows) in
        [(320, 240, 0x01, 0x00, [0x01, 0x04], 4), (160, 120, 0x03, 0x03, [0x00, 0x84], 2)]
    {
        let configuration = [
            CHIP.writes(&[(0x0103, 0x01), (0x0100, 0x00)]),
            CHIP.writes(&[(0x0383, readout), (0x0387, readout), (0x0390, binning), (0x3010, 0x01)]),
            CHIP.writes(&[(0x0340, lines[0]), (0x0341, lines[1]), (0x0342, 0x01), (0x0343, 0x78)]),
            CHIP.writes(&[(0x3059, 0x02), (0x3060, 0x28), HOLD, (0x0100, 0x01)]),
        ];
        check("configure", &configuration.concat(), surplus_rows, |bus, delay| {
            let mut sensor = Hm01b0::new(bus, delay);
            sensor.configure(FrameFormat { width, height, ..FrameFormat::QVGA_GRAY })?;
            sensor.set_window(Window { x: 0, y: 0, width, height }).map(|()| sensor.surplus_rows())
        });
    }
    check_refusal("configure", &[], SensorError::Format(QVGA_YUYV), |bus, delay| {
        Hm01b0::new(bus, delay).configure(QVGA_YUYV)
    });
    let between = FrameFormat { height: 120, ..FrameFormat::QVGA_GRAY };
    check_refusal("configure", &[], SensorError::Format(between), |bus, delay| {
        Hm01b0::new(bus, delay).configure(between)
    });
    let whole = Window { x: 0, y: 0, width: 320, height: 240 };
    let part = Window { x: 1, ..whole };
    check_refusal("window", &[], SensorError::Window(part), |bus, delay| {
        let mut sensor = Hm01b0::new(bus, delay);
        sensor.set_window(whole)?;
        sensor.set_window(part)
    });
    settings();
}

fn settings() {
    check("exposure", &CHIP.write(0x2100, 0x01), (), |bus, delay| {
        Hm01b0::new(bus, delay).set_exposure(Exposure::Auto)
    });
    let script = CHIP.writes(&[(0x2100, 0x00), (0x0202, 0x01), (0x0203, 0x02), HOLD]);
    check("exposure", &script, (), |bus, delay| Hm01b0::new(bus, delay).set_exposure(Exposure::Rows(0x0102)));
    check("gain", &CHIP.write(0x2100, 0x01), (), |bus, delay| Hm01b0::new(bus, delay).set_gain(Gain::Auto));
    // One; 1.5 behind the converter; 2.5 as 2 times 1.25; 63 sixteenths behind 8.
    for (sixteenths, analog, whole, rest) in
        [(0, 0x00, 1, 0x00), (24, 0x00, 1, 0x80), (40, 0x10, 1, 0x40), (u16::MAX, 0x30, 3, 0xF0)]
    {
        let script = CHIP.writes(&[(0x2100, 0x00), (0x0205, analog), (0x020E, whole), (0x020F, rest), HOLD]);
        check("gain", &script, (), |bus, delay| {
            Hm01b0::new(bus, delay).set_gain(Gain::Sixteenths(sixteenths))
        });
    }
    for (horizontal, vertical, bits) in [(true, false, 1), (false, true, 2), (false, false, 0)] {
        check("mirror", &CHIP.writes(&[(0x0101, bits), HOLD]), (), |bus, delay| {
            Hm01b0::new(bus, delay).set_mirror(Mirror { horizontal, vertical })
        });
    }
    for (on, pattern, mode) in [(true, 1, 0), (false, 0, 1)] {
        check("test pattern", &CHIP.write(0x0601, pattern), (), |bus, delay| {
            Hm01b0::new(bus, delay).set_test_pattern(on)
        });
        check("standby", &CHIP.write(0x0100, mode), (), |bus, delay| Hm01b0::new(bus, delay).set_standby(on));
    }
}
