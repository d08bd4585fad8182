/** Masks to begin with, on a square of 512 pixels. */

export const tiger = (brush: CanvasRenderingContext2D): void => {
  const skin = brush.createRadialGradient(256, 300, 40, 256, 256, 300);
  skin.addColorStop(0, '#fff3e0');
  skin.addColorStop(0.45, '#fb923c');
  skin.addColorStop(1, '#c2410c');
  brush.fillStyle = skin;
  brush.fillRect(0, 0, 512, 512);
  brush.strokeStyle = '#1c1917';
  brush.lineCap = 'round';
  for (const mirror of [1, -1]) {
    for (let stripe = 0; stripe < 6; stripe++) {
      brush.lineWidth = 16 - stripe;
      brush.beginPath();
      brush.moveTo(256 + mirror * 250, 150 + 60 * stripe);
      brush.quadraticCurveTo(256 + mirror * 180, 130 + 62 * stripe, 256 + mirror * 130, 175 + 55 * stripe);
      brush.stroke();
    }
    brush.lineWidth = 14;
    brush.beginPath();
    brush.moveTo(256 + mirror * 20, 20);
    brush.lineTo(256 + mirror * 40, 95);
    brush.stroke();
  }
  brush.fillStyle = '#1c1917';
  brush.beginPath();
  brush.ellipse(256, 225, 34, 20, 0, 0, 7);
  brush.fill();
};

export const grid = (brush: CanvasRenderingContext2D): void => {
  brush.lineWidth = 3;
  for (let line = 0; line <= 16; line++) {
    brush.strokeStyle = line % 4 === 0 ? '#22d3ee' : '#0e7490';
    brush.beginPath();
    brush.moveTo(line * 32, 0);
    brush.lineTo(line * 32, 512);
    brush.moveTo(0, line * 32);
    brush.lineTo(512, line * 32);
    brush.stroke();
  }
};

/** Whiskers, a nose and cheeks, where the drawn face has its own. */
export const cat = (brush: CanvasRenderingContext2D): void => {
  brush.lineCap = 'round';
  for (const mirror of [1, -1]) {
    brush.fillStyle = '#f472b6aa';
    brush.beginPath();
    brush.ellipse(256 + mirror * 78, 272, 30, 22, 0, 0, 7);
    brush.fill();
    brush.strokeStyle = '#fff7ed';
    brush.lineWidth = 6;
    for (const slope of [-1, 0, 1]) {
      brush.beginPath();
      brush.moveTo(256 + mirror * 36, 284 + 8 * slope);
      brush.lineTo(256 + mirror * 118, 284 + 24 * slope);
      brush.stroke();
    }
    brush.strokeStyle = '#7c2d12';
    brush.lineWidth = 10;
    brush.beginPath();
    brush.moveTo(256 + mirror * 26, 96);
    brush.lineTo(256 + mirror * 20, 140);
    brush.stroke();
  }
  brush.fillStyle = '#1c1917';
  brush.beginPath();
  brush.ellipse(256, 250, 24, 17, 0, 0, 7);
  brush.fill();
};
