declare module '*.wgsl' {
  /** The shader's text. */
  const text: string;
  export default text;
}
