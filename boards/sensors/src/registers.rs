//! Registers behind I2C: with addresses of one byte (OmniVision's SCCB) or two.

use embedded_hal::i2c::I2c;

use crate::SensorError;

/// A chip on a bus, whose registers are numbered by `A`.
#[derive(Debug)]
pub struct Registers<I> {
    bus: I,
    device: u8,
}

/// The number of a register: how it goes over the bus.
pub trait Address: Copy {
    /// Writes `value` there.
    fn write<I: I2c>(self, bus: &mut I, device: u8, value: u8) -> Result<(), I::Error>;

    /// Reads what is there.
    fn read<I: I2c>(self, bus: &mut I, device: u8) -> Result<u8, I::Error>;
}

impl Address for u8 {
    fn write<I: I2c>(self, bus: &mut I, device: u8, value: u8) -> Result<(), I::Error> {
        bus.write(device, &[self, value])
    }

    /// SCCB has no repeated start: the number is one transmission, the value another.
    fn read<I: I2c>(self, bus: &mut I, device: u8) -> Result<u8, I::Error> {
        let mut value = [0];
        bus.write(device, &[self])?;
        bus.read(device, &mut value)?;
        Ok(value[0])
    }
}

impl Address for u16 {
    fn write<I: I2c>(self, bus: &mut I, device: u8, value: u8) -> Result<(), I::Error> {
        let [high, low] = self.to_be_bytes();
        bus.write(device, &[high, low, value])
    }

    fn read<I: I2c>(self, bus: &mut I, device: u8) -> Result<u8, I::Error> {
        let mut value = [0];
        bus.write_read(device, &self.to_be_bytes(), &mut value)?;
        Ok(value[0])
    }
}

impl<I: I2c> Registers<I> {
    /// The chip at the seven-bit address `device`.
    pub fn new(bus: I, device: u8) -> Self {
        Registers { bus, device }
    }

    /// Gives the bus back.
    pub fn release(self) -> I {
        self.bus
    }

    /// Writes one register.
    pub fn write(&mut self, register: impl Address, value: u8) -> Result<(), SensorError<I::Error>> {
        register.write(&mut self.bus, self.device, value).map_err(SensorError::Bus)
    }

    /// Writes registers in order.
    pub fn write_all<A: Address>(&mut self, table: &[(A, u8)]) -> Result<(), SensorError<I::Error>> {
        table.iter().try_for_each(|&(register, value)| self.write(register, value))
    }

    /// Reads one register.
    pub fn read(&mut self, register: impl Address) -> Result<u8, SensorError<I::Error>> {
        register.read(&mut self.bus, self.device).map_err(SensorError::Bus)
    }

    /// Reads two registers as one number.
    pub fn read_pair<A: Address>(&mut self, [high, low]: [A; 2]) -> Result<u16, SensorError<I::Error>> {
        Ok(u16::from_be_bytes([self.read(high)?, self.read(low)?]))
    }

    /// Sets the bits of `mask` to those of `bits` and leaves the others.
    pub fn modify(
        &mut self,
        register: impl Address,
        mask: u8,
        bits: u8,
    ) -> Result<(), SensorError<I::Error>> {
        let value = self.read(register)?;
        self.write(register, value & !mask | bits & mask)
    }
}
