/** Draws textured triangles by WebGL: all that a mask, a sample face and a portrait need of it. */

/** What is drawn. */
export type PaintedMesh = {
  /** (V, 2) pixels of the canvas. */ points: Float32Array;
  /** (V) distance, any unit, smaller is nearer; without it what comes later lies above. */ depths?: Float32Array;
  /** (V, 2) 0–1, from the texture's top-left corner. */ uv: Float32Array;
  /** (T, 3). */ index: Uint16Array;
  texture: TexImageSource;
  /** Triangles that are seen from behind are left out. Default true. */ culled?: boolean;
};

export type MeshPainter = { canvas: OffscreenCanvas; draw(meshes: readonly PaintedMesh[]): void };

const vertexShader = `attribute vec3 at; attribute vec2 uv; uniform vec2 size; varying vec2 place;
void main() { place = uv; gl_Position = vec4(at.x / size.x * 2.0 - 1.0, 1.0 - at.y / size.y * 2.0, at.z, 1.0); }`;
const fragmentShader = `precision mediump float; uniform sampler2D picture; varying vec2 place;
void main() { gl_FragColor = texture2D(picture, place); }`;

const compile = (gl: WebGLRenderingContext, kind: number, source: string): WebGLShader => {
  const shader = gl.createShader(kind);
  if (shader === null) throw new Error('WebGL has lost its context. Reload the page.');
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  return shader;
};

/** @throws Error in plain words where the browser has no WebGL */
export const createMeshPainter = (width: number, height: number): MeshPainter => {
  const canvas = new OffscreenCanvas(width, height);
  const gl = canvas.getContext('webgl', { premultipliedAlpha: true });
  if (gl === null) {
    throw new Error(
      'This browser has no WebGL, which this page draws with. Try another browser, or switch it on.',
    );
  }
  const program = gl.createProgram();
  gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, vertexShader));
  gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, fragmentShader));
  gl.linkProgram(program);
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.enable(gl.DEPTH_TEST);
  gl.depthFunc(gl.LEQUAL);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.uniform2f(gl.getUniformLocation(program, 'size'), width, height);
  const textures = new Map<TexImageSource, WebGLTexture>();
  const buffers = { at: gl.createBuffer(), uv: gl.createBuffer(), index: gl.createBuffer() };
  const attribute = (name: 'at' | 'uv', size: number, values: Float32Array): void => {
    const place = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STREAM_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
  };
  const bind = (source: TexImageSource): void => {
    const texture = textures.get(source) ?? gl.createTexture();
    textures.set(source, texture);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
      gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  };
  const drawOne = ({ points, depths, uv, index, texture, culled = true }: PaintedMesh): void => {
    const count = points.length / 2;
    const at = new Float32Array(3 * count);
    let [near, far] = [Infinity, -Infinity];
    for (const depth of depths ?? []) {
      near = Math.min(near, depth);
      far = Math.max(far, depth);
    }
    for (let v = 0; v < count; v++) {
      at[3 * v] = points[2 * v];
      at[3 * v + 1] = points[2 * v + 1];
      at[3 * v + 2] = depths === undefined ? 0 : (depths[v] - near) / Math.max(1e-6, far - near) - 0.5;
    }
    gl.clear(gl.DEPTH_BUFFER_BIT);
    if (culled) gl.enable(gl.CULL_FACE);
    else gl.disable(gl.CULL_FACE);
    attribute('at', 3, at);
    attribute('uv', 2, uv);
    bind(texture);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers.index);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, index, gl.STREAM_DRAW);
    gl.drawElements(gl.TRIANGLES, index.length, gl.UNSIGNED_SHORT, 0);
  };
  return {
    canvas,
    draw: (meshes) => {
      gl.viewport(0, 0, width, height);
      gl.clear(gl.COLOR_BUFFER_BIT);
      for (const mesh of meshes) drawOne(mesh);
    },
  };
};
