/** Tests compare texts; a CI service that asks for colours is not to change them. Node warns when both variables are set. */
delete process.env.FORCE_COLOR;
process.env.NO_COLOR = '1';
